/** Stands in every manifest; a test holds it equal to the version in package.json. */
export const CODE_VERSION = '0.1.0';

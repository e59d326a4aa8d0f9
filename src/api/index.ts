/** The API's vocabulary for resolvers; the composition root takes createApi from ./server. */
export { Authenticated, Cost, OperatorOnly, Public, Scope } from './access';
export type { Authenticator, Presented } from './authenticator';
export {
  connectionOf,
  idArgument,
  notFound,
  PageArgs,
  PageInfo,
  pageRequest,
  toConnection,
} from './connection';
export type { Connection } from './connection';
export { ApiContext, NO_TENANT } from './context';
export { Int64, Json, Nano } from './scalars';

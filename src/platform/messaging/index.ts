export { Messaging } from './messaging';
export type { Delivery } from './messaging';

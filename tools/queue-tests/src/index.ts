export { freePort } from './free-port.ts'
export { describeQueue, startValkey, type Valkey } from './valkey.ts'

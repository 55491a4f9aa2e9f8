export { ensureChromium } from './chromium.ts'
export { openChromium } from './open-chromium.ts'
export { type Served, serve } from './serve.ts'

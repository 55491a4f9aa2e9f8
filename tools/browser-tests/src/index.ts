export { ensureChromium, findChromium } from './chromium.ts'
export { type Chromium, openChromium } from './open-chromium.ts'
export { type Served, serve } from './serve.ts'

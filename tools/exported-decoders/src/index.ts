export { type DecoderSizes, decoderFeeds, nextFeeds } from './feeds.ts'
export { type DecoderName, decoderNames, decoderPath } from './models.ts'

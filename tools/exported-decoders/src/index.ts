export { type DecoderSizes, decoderFeeds, nextFeeds } from './feeds.ts'
export { type DecoderName, decoderNames, decoderPath, type SpeechDecoderName } from './models.ts'

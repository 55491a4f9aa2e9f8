export { type DecoderSizes, decoderFeeds, nextFeeds } from './feeds.ts'
export { type DecoderName, decoderNames, decoderPath, type SpeechDecoderName, saidByTorch } from './models.ts'

export { type DecoderSizes, decoderFeeds, nextFeeds } from './feeds.ts'
export {
  type DecoderName,
  decoderNames,
  decoderPath,
  type SpeechDecoderName,
  type SpeechPairName,
  saidByTorch,
} from './models.ts'

// Files of a search: its measurements, so that an interrupted one goes on, and the decoder of an encoder of speech.

export { type KeptMeasurements, keepMeasurements, type SearchSubject } from './measurements-file.ts'
export { type DecoderLoading, type WeighingDecoder, weighingDecoder, withDecoderForms } from './weighing-decoder.ts'

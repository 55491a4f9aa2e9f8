// Files: measurements of a search, so that an interrupted one goes on, and the time that is left to it; a pair of models that is calibrated; decoders of texts and of speech.

export { type CalibrateFilesOptions, type CascadeFiles, calibrateFiles, requirePair } from './calibrate-files.ts'
export { deadlineAfter } from './deadline.ts'
export { type KeptMeasurements, keepMeasurements, type SearchSubject } from './measurements-file.ts'
export { type QuantizeOnTextsOptions, quantizeOnTexts } from './quantize-on-texts.ts'
export { type DecoderLoading, type WeighingDecoder, weighingDecoder, withDecoderForms } from './weighing-decoder.ts'

import { type Decoder, findDecoder } from '../analyze/decoder.ts'
import { type FoundEncoder, findEncoders } from '../analyze/find-encoders.ts'
import { type Opened, openModel } from '../normalize/open.ts'
import type { Subject } from './transform.ts'

/** The model of a subject, opened once: conditions look at it, and then the transform edits it. */
export function opened(subject: Subject): Opened {
  return subject.once(open)
}

/** @throws Refused if the model has no encoder that can be pruned */
export function encodersOf(subject: Subject): FoundEncoder[] {
  return subject.once(find)
}

/** @throws Refused if the model is not a decoder with caches */
export function decoderOf(subject: Subject): Decoder {
  return subject.once(decode)
}

const open = ({ model }: Subject): Opened => openModel(model)
const find = (subject: Subject): FoundEncoder[] => findEncoders(opened(subject).program)
const decode = (subject: Subject): Decoder => findDecoder(opened(subject).program)

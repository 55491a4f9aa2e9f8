import { createHash } from 'node:crypto'
import type { ModelInputs } from '@tp/data/inputs'
import type { ModelFile } from '../model/model-file.ts'

/** Labels, lengths and contents of examples as one number, to know them again. */
export function fingerprint({ targets, lengths, keys }: ModelInputs): string {
  return createHash('sha256')
    .update(JSON.stringify([targets, lengths, keys]))
    .digest('hex')
    .slice(0, 16)
}

/** Which answers are asked for: those of a model to some examples. */
export function subjectOf(
  file: ModelFile,
  inputs: ModelInputs,
  selection: ModelInputs,
): Readonly<Record<string, string>> {
  return { model: file.hash(), '--data': fingerprint(inputs), '--selection': fingerprint(selection) }
}

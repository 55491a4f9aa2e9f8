import { TpError } from '@tp/core'
import type { Split } from './cell.ts'
import { openForm, type SharedFiles, type SubjectForm } from './subjects.ts'
import { type Opened, withFile } from './variants.ts'

/** A split of a subject with all its files. @throws TpError TP_LAYERS if the model is not what the form says */
export async function openSplit(
  form: SubjectForm,
  context: SharedFiles,
  split: Split,
  examples: number,
): Promise<Opened> {
  const subject = await openForm(form, context, split, examples)
  if (subject.layerCount !== form.layerCount) {
    throw new TpError(
      'TP_LAYERS',
      'benchmark',
      `${form.name} has ${subject.layerCount} layers, and is said to have ${form.layerCount}`,
    )
  }
  const { int8 } = form.files(context)
  return { subject, int8: int8 === undefined ? undefined : await withFile(subject, int8) }
}

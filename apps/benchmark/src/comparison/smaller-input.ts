import { readFile } from 'node:fs/promises'
import { decodeModel, Graph } from '@tp/onnx'
import type { SharedFiles, SubjectForm } from './subjects.ts'

/**
 * Smaller images and shorter sounds are the simplest way to save work, where a model takes them. Why this one does not,
 * in a sentence; undefined for texts, which are cut instead.
 */
export async function whyNotSmaller(form: SubjectForm, context: SharedFiles): Promise<string | undefined> {
  if (form.modality === 'text') return undefined
  const [input] = new Graph(decodeModel(await readFile(form.files(context).model))).inputs
  const dims = input?.dims ?? []
  const isProtected = dims.slice(1).every((size) => typeof size === 'number')
  if (!isProtected) return `Smaller ${form.what} are not tried, though the input ${input?.name} may take them.`
  return (
    `Smaller ${form.what} cannot be tried: the input ${input?.name} is [${dims.map((size) => size ?? '?').join(', ')}], ` +
    'sizes that are fixed in the file, and so are its positions.'
  )
}

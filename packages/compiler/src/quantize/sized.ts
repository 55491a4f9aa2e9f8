import { cloneModel, Graph, type Model } from '@tp/onnx'
import { writeKnownSizes } from '../program/known-sizes.ts'
import { Program } from '../program/program.ts'

/** A copy of a model, sorted, without the nodes that compute what is known beforehand: next to 8-bit products they take time that shows. */
export function sized(source: Model): Model {
  const model = cloneModel(source)
  new Graph(model).sortTopologically()
  writeKnownSizes(new Program(model))
  return model
}

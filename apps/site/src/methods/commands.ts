import { trainLine, valuesFile } from '@tp/cli'
import type { MethodEntry } from '@tp/core'
import { needsValues } from '@tp/core/host'
import { filesOf } from './when-to-use.ts'

/** The commands on the page of a method, for the kind of model that it is for. */
export interface MethodCommands {
  readonly lines: readonly string[]
  /** Remarks about them. */
  readonly note?: string
}

const TEXTS = { data: 'texts.tsv', selection: 'others.tsv' }
const IMAGES = { data: 'images', selection: 'other-images' }

export function commandsOf({ name, create }: MethodEntry): MethodCommands {
  const files = filesOf[name]
  if (files === 'caches') return { lines: [`npx tp press decoder.onnx -o press.onnx --method ${name} --keep 0.5`] }
  const prune = `npx tp prune ${files === 'speech' ? 'encoder_model.onnx' : 'model.onnx'} -o pruned.onnx --method ${name}`
  const method = create()
  if (name === 'none' || method.unscheduled) return { lines: [prune] }
  const train = trainLine(method, { model: 'model.onnx', ...(files === 'images' ? IMAGES : TEXTS) })
  if (train === undefined) return { lines: [`${prune} --keep 0.7`] }
  if (needsValues(method)) {
    return {
      lines: [`npx ${train}`, `${prune} --keep 0.7 --weights ${valuesFile(method)}`],
      note: `\`trained.onnx\` is pruned already; with \`${valuesFile(method)}\` the model can be pruned again, with other amounts. ${
        method.training === undefined
          ? 'It needs at least 64 texts, without labels.'
          : 'Without `--train method` the model’s own weights learn, too, and `trained.onnx` is the file to run.'
      }`,
    }
  }
  return {
    lines: [`npx ${train}`, `${prune} --keep 0.7   # the same method without training`],
    note: '`trained.onnx` is pruned, at half of the FLOPs, and is the file to run.',
  }
}

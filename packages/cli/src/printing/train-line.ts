import type { Method } from '@tp/core'
import { needsValues, shellWord } from '@tp/core/host'
import { fittedMethods } from '@tp/train'

/** The names in a command line, each as a word of a shell; by default words in capitals, as `--help` has them. */
export interface TrainedOn {
  readonly model?: string
  readonly data?: string
  /** Other examples, which the best weights are chosen by. */
  readonly selection?: string
}

/** The file of a method's trained values, as the command lines here name it. */
export function valuesFile({ name }: Pick<Method, 'name'>): string {
  return `${name}.safetensors`
}

/**
 * The command line by which a method learns: its values alone where it does not prune without them, and otherwise together with
 * the model, down to half of the FLOPs.
 * @returns undefined for a method that learns nothing
 */
export function trainLine(method: Method, on: TrainedOn = {}): string | undefined {
  const { model = 'MODEL', data = 'DATA', selection = 'OTHERS' } = on
  const { name, training } = method
  const begin = `tp train ${model} -o trained.onnx --method ${name}`
  const written = `--weights-out ${valuesFile(method)}`
  if (fittedMethods.some((fitted) => fitted === name)) return `${begin} --layers 3 --keep 0.7 --data ${data} ${written}`
  if (training === undefined) return undefined
  if (!needsValues(method)) return `${begin} --target-flops 0.5 --data ${data} --selection ${selection}`
  return `${begin} --keep 0.7 --train method --set distillation=1 --data ${data} --selection ${selection} ${written}`
}

/** The error where a method prunes by trained values and has none, with the remedy. */
export function valuesMissing(method: Method, model?: string): string {
  const seen = `${method.name} works with trained values; give them with --weights FILE`
  const line = trainLine(method, model === undefined ? {} : { model: shellWord(model) })
  return line === undefined ? seen : `${seen}. These commands write them:\n  ${line}`
}

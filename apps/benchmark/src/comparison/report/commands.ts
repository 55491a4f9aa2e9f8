import { entryOf } from '../../registry/methods.ts'
import { learnedName, type PrunedSetting, type Setting } from '../../registry/settings.ts'
import type { SubjectForm } from '../../registry/subjects.ts'

/** The form of a reader's own examples: a table of texts, or a folder of files for each label. Others are chosen by. */
const examples: Readonly<Record<SubjectForm['modality'], { readonly data: string; readonly others: string }>> = {
  text: { data: 'texts.tsv', others: 'others.tsv' },
  image: { data: 'images', others: 'other-images' },
  audio: { data: 'recordings', others: 'other-recordings' },
}

/** The facts that a command line depends on besides the setting. */
export interface CommandFor extends Pick<SubjectForm, 'modality'> {
  /** Of truncated texts. */
  readonly maxTokens?: number | undefined
}

/** The command for a setting of one's own model, or a sentence where no command does it. */
export function commandOf(setting: Setting, about: CommandFor): string {
  if (!setting.int8 || setting.kind === 'learned') return commandFor('model.onnx', setting, about)
  const quantized = 'tp quantize model.onnx -o model.int8.onnx'
  if (setting.kind === 'none' || setting.kind === 'dense') return quantized
  const then = commandFor('model.int8.onnx', setting, about)
  return then.startsWith('tp ') ? `${quantized} && ${then}` : `${quantized}   # and ${then}`
}

/** The command for a plan of one's own, where one was tuned. */
export function commandToTune(maxLoss: number, { modality }: CommandFor): string {
  return `tp optimize model.onnx --data ${examples[modality].data} --max-loss ${maxLoss}`
}

function commandFor(file: string, setting: Setting, { modality, maxTokens }: CommandFor): string {
  switch (setting.kind) {
    case 'dense':
      return 'nothing'
    case 'none':
      return `tp prune ${file} --lossless`
    case 'pruned':
      return `tp prune ${file} ${pruningOptions(setting)}`
    case 'shallow':
      return `tp prune ${file} --method none --leave-out ${setting.without.toSorted((a, b) => a - b).join()}`
    case 'truncated':
      return `cut texts to ${maxTokens} tokens`
    case 'learned': {
      const { method = '', share } = learnedName(setting.file) ?? {}
      if (method === FINE_TUNED) return 'train the model with its tokens pruned (tp train --method --keep)'
      const { data, others } = examples[modality]
      const stored = setting.int8 ? ' --quantize' : ''
      return `tp train ${file} -o pruned.onnx --method ${entryOf(method).name} --target-flops ${share} --data ${data} --selection ${others}${stored}`
    }
  }
}

/** How files are named of an encoder that learned with a method that does not. */
const FINE_TUNED = 'fine-tuned'

function pruningOptions({ method, params = {}, budget, restore }: PrunedSetting): string {
  const { keep, mass, layers } = budget
  return [
    `--method ${entryOf(method).name}`,
    ...Object.entries(params).map(([name, value]) => `--param ${name}=${value}`),
    mass === undefined ? `--keep ${keep}` : `--set mass=${mass}`,
    `--layers ${layers.join()}`,
    ...(restore === undefined ? [] : [`--set restore=${restore}`]),
  ].join(' ')
}

import { learnedName, type PrunedSetting, type Setting } from '../../registry/settings.ts'

/**
 * What to type to have a setting of one's own model, or what to do where no command does it.
 * @param maxTokens of truncated texts
 */
export function commandOf(setting: Setting, maxTokens?: number): string {
  if (!setting.int8) return `${commandFor('model.onnx', setting, maxTokens)}`
  const quantized = 'tp quantize model.onnx -o model.int8.onnx'
  return setting.kind === 'none' ? quantized : `${quantized} && ${commandFor('model.int8.onnx', setting, maxTokens)}`
}

/** What to type to have a plan of one's own, where one was tuned. */
export function commandToTune(maxLoss: number): string {
  return `tp prune model.onnx --data examples.tsv --max-loss ${maxLoss}`
}

function commandFor(file: string, setting: Setting, maxTokens: number | undefined): string {
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
      const { method, share } = learnedName(setting.file) ?? {}
      return `tp train ${file} --data texts.tsv --method ${method} --target-flops ${share} -o pruned.onnx`
    }
  }
}

function pruningOptions({ method, params = {}, budget, restore }: PrunedSetting): string {
  const { keep, mass, layers } = budget
  return [
    `--method ${method}`,
    ...Object.entries(params).map(([name, value]) => `--param ${name}=${value}`),
    mass === undefined ? `--keep ${keep}` : `--mass ${mass}`,
    `--layers ${layers.join()}`,
    ...(restore === undefined ? [] : [`--restore ${restore}`]),
  ].join(' ')
}

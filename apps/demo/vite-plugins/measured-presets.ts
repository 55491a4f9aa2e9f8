import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { pairedDifference } from '@tp/metrics'
import type { Plugin } from 'vite'
import type { Preset } from '../src/workbench/preset.ts'

const MODULE = 'virtual:presets'
/** One line for each setting that the benchmark has measured. */
const results = fileURLToPath(new URL('../../benchmark/published.jsonl.gz', import.meta.url))

type Chosen = readonly [name: Preset['name'], method: string, keep: number, layers: readonly number[]]

const inner = [1, 2, 3, 4]
/** Which of the measured settings are offered. The loss of each is read from the results. */
const chosen: Readonly<Record<string, { readonly form: string; readonly settings: readonly Chosen[] }>> = {
  mail: {
    form: 'int8+',
    settings: [
      ['Safe', 'cls-attention', 0.8, inner],
      ['Balanced', 'cls-attention', 0.5, inner],
      ['Fast', 'cls-attention', 0.1, [0]],
    ],
  },
  'digits-vit': {
    form: '',
    settings: [
      ['Safe', 'value-aware', 0.9, inner],
      ['Balanced', 'cls-attention', 0.5, [1]],
      ['Fast', 'value-aware', 0.3, [1]],
    ],
  },
  'fashion-vit': {
    form: '',
    settings: [
      ['Safe', 'quasi-random', 0.9, inner],
      ['Balanced', 'quasi-random', 0.5, [1]],
      ['Fast', 'quasi-random', 0.3, [1]],
    ],
  },
}

/** `virtual:presets`: for each model of the page measured settings, with the points that they lose on test data. */
export function measuredPresets(): Plugin {
  return {
    name: 'measured-presets',
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    async load(id) {
      if (id !== `\0${MODULE}`) return undefined
      const correct = await correctBySetting()
      const presets = Object.entries(chosen).map(([model, { form, settings }]) => {
        const dense = correct(`${model}/test/${form}none`)
        return [model, settings.map((setting) => presetOf(setting, dense, correct(keyOf(model, form, setting))))]
      })
      return `export default ${JSON.stringify(Object.fromEntries(presets))}`
    },
  }
}

function keyOf(model: string, form: string, [, method, keep, layers]: Chosen): string {
  return `${model}/test/${form}${method}:${keep}@${layers.join()}`
}

function presetOf([name, method, keep, layers]: Chosen, dense: string, pruned: string): Preset {
  const only = (one: string, other: string): number =>
    [...one].filter((right, i) => right === '1' && other[i] === '0').length
  const examples = dense.length
  if (pruned.length !== examples) throw new Error(`${name}: measured on other examples than the dense model`)
  const loss = pairedDifference({ examples, onlyFirst: only(dense, pruned), onlySecond: only(pruned, dense) })
  return { name, settings: { method, keep, layers }, loss, examples: examples.toLocaleString('en') }
}

/** For each example of a measured setting whether its answer was right, as digits; the latest measurement counts. */
async function correctBySetting(): Promise<(key: string) => string> {
  const lines = gunzipSync(await readFile(results))
    .toString()
    .trim()
    .split('\n')
  const byKey = new Map(lines.map((line) => JSON.parse(line)).map(({ key, value }) => [key, value.correct]))
  return (key) => {
    const correct = byKey.get(`accuracy/${key}`)
    if (typeof correct !== 'string') throw new Error(`the benchmark has not measured ${key}`)
    return correct
  }
}

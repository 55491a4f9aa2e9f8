import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { isTpError, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { quantizeFormFor } from '@tp/optimize'
import { publishedModel } from '../files.ts'
import { outsideCases, suiteFolder } from '../outside/cases.ts'
import { Rivals } from '../outside/rivals.ts'
import { isPart, type MeasureOptions, measureModel, parts } from './measure-model.ts'
import { measureSpeech } from './measure-speech.ts'
import { type EightBitForm, forms } from './rows.ts'

/** Of `npm run benchmark -- outside`. */
const cases = [
  'all-MiniLM-L6-v2xSTS-2015',
  'bge-small-en-v1.5xSTS-2015',
  'ms-marco-MiniLM-L12xTrecQA',
  'minilm-sentimentxIMDB',
  'vit-s-cifar10xCIFAR-10',
] as const

/** A model of speech has two files, and is measured by its word errors. */
const SPEECH = 'whisper-base'

export const HELP: string = `Measures 8 bits: whether answers depend on their batch, how good they are, and how fast, next to others' 8 bits.

  npm run benchmark -- eight-bits [options]

  --only NAMES       of these: ${[...cases, SPEECH].join(', ')}
  --parts LIST       only these: ${parts.join(', ')}; all but answers depend on what else the machine does (7 minutes)
  --forms LIST       with answers, only these: ${forms.slice(0, 5).join(', ')}
  --speech TABLES    for ${SPEECH}: recordings with their transcripts; default: those of npm run models -- custom-speech
  --python PATH      Python with the packages of tools/rivals/requirements.txt: onnxruntime's own quantization and OpenVINO
  --new              write the files again, instead of taking those in reports/eight-bits

Rows are written to docs/results/eight-bits.jsonl; npm run generate then writes the tables of docs/quantized-and-fused.md.
`

/** @throws TpError TP_OPTION @returns the exit code */
export async function measureEightBits(runtime: Runtime, args: readonly string[]): Promise<number> {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const
  const { values } = parseArgs({
    args: [...args],
    options: { only: text, parts: text, forms: text, speech: text, python: text, new: flag },
  })
  const names: readonly string[] = values.only?.split(',') ?? [...cases, SPEECH]
  const unknown = names.find((name) => ![...cases, SPEECH].includes(name))
  if (unknown !== undefined) {
    throw new TpError('TP_OPTION', 'benchmark', `--only has ${unknown}; see --help for the names`)
  }
  const chosen = values.parts?.split(',') ?? parts
  if (!chosen.every(isPart)) {
    throw new TpError('TP_OPTION', 'benchmark', `--parts is ${values.parts}; see --help for the names`)
  }
  const answered = values.forms?.split(',') ?? forms
  if (!answered.every((name): name is EightBitForm => forms.some((own) => own === name))) {
    throw new TpError('TP_OPTION', 'benchmark', `--forms is ${values.forms}; see --help for the names`)
  }
  await using rivals = values.python === undefined ? undefined : await Rivals.open(values.python)
  const weights = await quantizeFormFor(runtime)
  let code = 0
  const measure = async (name: string, run: (options: MeasureOptions) => Promise<void>): Promise<void> => {
    try {
      await run({
        ...{ runtime, rivals, isNew: values.new ?? false, answered, weights },
        parts: chosen.filter((part) => part !== 'chromium' || name.startsWith('minilm-sentiment')),
        onProgress: (done) => void process.stderr.write(`${name}: ${done} …\n`),
      })
    } catch (error) {
      // The other models do not need this one; the error says what is missing.
      if (!isTpError(error)) throw error
      process.stderr.write(`${name}: ${error.message}\n`)
      code = 1
    }
  }
  for (const one of outsideCases.filter(({ name }) => names.includes(name)))
    await measure(one.name, (options) => measureModel(one, options))
  if (names.includes(SPEECH)) {
    await measure(SPEECH, (options) => {
      const folder = dirname(dirname(publishedModel(SPEECH)))
      const tables = values.speech?.split(',') ?? [suiteFolder('custom-speech')]
      return measureSpeech(SPEECH, folder, tables, options)
    })
  }
  return code
}

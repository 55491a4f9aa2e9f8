import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { processorMs, spreadByLength, timeInTurns, withSessions } from '@tp/compare'
import type { Plan, QuantizeOptions } from '@tp/compiler'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { nativeRuntime } from '@tp/runtime-native'
import { reportsPath } from '../files.ts'
import { type Speeds, speedsByBatch } from '../measure/speeds.ts'
import type { DataPart, OutsideCase } from '../outside/cases.ts'
import { dataPath, type OutsideData, readPart } from '../outside/data.ts'
import { AnswerMeter } from '../outside/measure.ts'
import { dynamicText } from '../outside/measure-rivals.ts'
import type { Rivals } from '../outside/rivals.ts'
import { settingText } from '../outside/setting-text.ts'
import { surroundings } from '../report/section.ts'
import { openChromiumPage } from '../web/chromium-page.ts'
import { type EightBitFilesOptions, eightBitFiles } from './files.ts'
import { type EightBitForm, type Measurement, recordRow } from './rows.ts'
import { sameBits } from './same-bits.ts'
import { timedShapes } from './shapes.ts'

/** Parts of the measurement; each can be measured again alone. */
export const parts = ['answers', 'times', 'two-threads', 'openvino', 'chromium'] as const

type Part = (typeof parts)[number]

export function isPart(name: string): name is Part {
  return parts.some((part) => part === name)
}

export interface MeasureOptions extends EightBitFilesOptions {
  readonly runtime: Runtime
  readonly parts: readonly Part[]
  /** Forms whose answers are compared. */
  readonly answered: readonly EightBitForm[]
  readonly onProgress: (text: string) => void
}

/** Examples whose bits are compared, and by which OpenVINO's ranges are calibrated. */
const [COMPARED, CALIBRATING] = [200, 128]

/** Images whose answers are compared: of 300, of which 8 bits change the class of a dozen, a loss of 2 points was still chance. */
const IMAGES = 1000

/** Milliseconds of the times of a shape; times are those of all forms together. */
const BUDGET_MS = 4000

/** Measures a model in each form, and records each row when it is known. */
export async function measureModel(one: OutsideCase, options: MeasureOptions): Promise<void> {
  const { runtime, rivals, onProgress } = options
  onProgress('its files')
  const files = await eightBitFiles(one, options)
  const path = files.get('published') as string
  const load = (form: EightBitForm, threads: number) => (): Promise<Session> =>
    (form === 'packed' ? nativeRuntime() : runtime).load(files.get(form) as string, { threads })
  await using dense = await load('published', 1)()
  const testing = await readPart(one, dense, await dataPath(one, 'eight-bits', testingPart(one)))
  const { machine } = await surroundings(runtime)
  const { weights } = options
  const record = (form: EightBitForm, row: Partial<Measurement>): Promise<void> =>
    recordRow({ model: modelOf(one), form, setting: settings[form](one, weights), ...row }, { machine, weights })
  if (options.parts.includes('answers')) {
    onProgress('accuracy of the published file')
    const answers = await AnswerMeter.open(testing, dense)
    for (const form of [...files.keys()].filter((own) => options.answered.includes(own))) {
      onProgress(`bits and accuracy: ${form}`)
      await using session = await load(form, 1)()
      const { metric, quality, loss, similarity } =
        form === 'published'
          ? answers.dense()
          : { loss: undefined, similarity: undefined, ...(await answers.measure([load(form, 1)])) }
      const same = await sameBits(session, testing.inputs, COMPARED)
      await record(form, {
        same,
        metric,
        quality,
        ...(loss && { loss }),
        ...(similarity !== undefined && { similarity }),
      })
    }
  }
  const shapes = await timedShapes(testing.inputs)
  const own = [...files.keys()]
  for (const [part, threads] of [
    ['times', 1],
    ['two-threads', 2],
  ] as const) {
    if (!options.parts.includes(part)) continue
    onProgress(`times, ${threads} thread${threads === 1 ? '' : 's'}`)
    const speeds = await withSessions(
      own.map((form) => load(form, threads)),
      (sessions) =>
        speedsByBatch(shapes, async (feeds) => {
          const clock = threads === 1 ? processorMs : undefined
          const how = { clock, budgetMs: BUDGET_MS, leastRounds: 3, rounds: 200 }
          return (await timeInTurns(sessions, feeds, how)).latencies
        }),
    )
    for (const [i, form] of own.entries()) await record(form, { [threads === 1 ? 'speed' : 'speedOfTwo']: speeds[i] })
  }
  if (rivals !== undefined && options.parts.includes('openvino'))
    await timeOpenVino(one, rivals, { path, shapes, options, record })
  if (options.parts.includes('chromium')) await timeInChromium(files, shapes, { onProgress, record })
}

/** Weights that were published in 8 bits stay as they are. */
function eightBits({ float32 }: OutsideCase, weights: QuantizeOptions): Plan {
  return { format: 1, method: 'none', quantize: float32 ? weights : {} }
}

const settings: Readonly<Record<EightBitForm, (one: OutsideCase, weights: QuantizeOptions) => string>> = {
  published: ({ float32 }) => (float32 ? 'float32, as published' : '8 bits, as published'),
  dynamic: (_, weights) => dynamicText(weights),
  token: (one, weights) => settingText(eightBits(one, weights)),
  smoothed: (one, weights) => `${settingText(eightBits(one, weights))}, smoothed`,
  packed: (one, weights) => settingText({ ...eightBits(one, weights), pack: true }),
  'OpenVINO int8': () => 'OpenVINO, 8 bits (NNCF)',
  'OpenVINO bf16': () => 'OpenVINO, bf16',
}

function testingPart({ testing }: OutsideCase): DataPart {
  return 'images' in testing ? { ...testing, count: IMAGES } : testing
}

function modelOf({ name }: OutsideCase): string {
  return name.slice(0, name.lastIndexOf('x'))
}

type Shapes = Awaited<ReturnType<typeof timedShapes>>

interface Timed {
  readonly path: string
  readonly shapes: Shapes
  readonly options: MeasureOptions
  readonly record: (form: EightBitForm, row: Partial<Measurement>) => Promise<void>
}

/** In Python, over the published file in onnxruntime there; ranges of 8 bits are of examples that are not tested. */
async function timeOpenVino(one: OutsideCase, rivals: Rivals, { path, shapes, options, record }: Timed): Promise<void> {
  const time = async (form: EightBitForm, file: string, precision: 'f32' | 'bf16'): Promise<void> => {
    for (const threads of options.parts.includes('two-threads') ? [1, 2] : [1]) {
      options.onProgress(`times, ${form}, ${threads} thread${threads === 1 ? '' : 's'}`)
      const dense = await rivals.load('onnxruntime', path, { threads })
      const model = await rivals.load('openvino', file, { precision, threads })
      const speeds = await rivals.speeds({ model, dense, threads }, shapes)
      await record(form, { [threads === 1 ? 'speed' : 'speedOfTwo']: speeds })
    }
  }
  if (one.float32) {
    const out = reportsPath(`eight-bits/${one.name}/openvino.xml`)
    if (!existsSync(out)) {
      await mkdir(dirname(out), { recursive: true })
      await rivals.quantizeOpenVino(path, out, await calibrating(one, path, options))
    }
    await time('OpenVINO int8', out, 'f32')
  }
  await time('OpenVINO bf16', path, 'bf16')
}

async function calibrating(one: OutsideCase, path: string, { runtime }: MeasureOptions): Promise<NamedTensors[]> {
  await using session = await runtime.load(path, { threads: 1 })
  const part = await dataPath(one, 'choosing', one.choosing ?? one.testing)
  const { inputs }: OutsideData = await readPart(one, session, part)
  return await Promise.all(spreadByLength(inputs, CALIBRATING, 1).map((row) => inputs.feeds(row)))
}

/** Shapes that are timed in wasm, which takes its time. */
const IN_WASM: readonly string[] = ['1×16', '1×128']

/** One thread of wasm. */
async function timeInChromium(
  files: ReadonlyMap<EightBitForm, string>,
  shapes: Shapes,
  { onProgress, record }: Pick<Timed, 'record'> & Pick<MeasureOptions, 'onProgress'>,
): Promise<void> {
  onProgress('times in Chromium')
  await using page = await openChromiumPage()
  const own = [...files.keys()].filter((form) => form !== 'packed')
  for (const form of own) await page.load(form, await readFile(files.get(form) as string), 'wasm', { threads: 1 })
  const some = new Map([...shapes].filter(([name]) => IN_WASM.includes(name)))
  const how = { budgetMs: BUDGET_MS, rounds: 100 }
  const speeds = await speedsByBatch(some, async (feeds) => (await page.compare(feeds, how)).latencies)
  for (const [i, form] of own.entries()) await record(form, { wasm: speeds[i] as Speeds })
}

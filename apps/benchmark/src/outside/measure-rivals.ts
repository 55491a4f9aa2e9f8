import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { spreadByLength } from '@tp/compare'
import type { QuantizeOptions } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { reportsPath } from '../files.ts'
import { runOf } from './measure-own.ts'
import { measureTextRivals, type TextSuite } from './measure-texts.ts'
import type { OpenCase } from './open-case.ts'
import { Rivals } from './rivals.ts'

interface RivalOptions {
  readonly runtime: Runtime
  readonly python: string
  /** Of embedders. */
  readonly suite: TextSuite | undefined
  readonly onProgress: (text: string) => void
}

/** Examples by which OpenVINO's ranges are calibrated. */
const CALIBRATING = 128

/** Of onnxruntime. */
function dynamicText({ reduceRange }: QuantizeOptions): string {
  return `onnxruntime quantize_dynamic, per channel${reduceRange ? ', weights of 7 bits' : ''}`
}

const NNCF = 'OpenVINO, 8 bits (NNCF)'
const BF16 = 'OpenVINO, bf16'

/** The same model by others' means: onnxruntime's own quantization, OpenVINO, and packages that embed texts. */
export async function measureRivals(open: OpenCase, options: RivalOptions): Promise<void> {
  const { one } = open
  const { onProgress, python, suite } = options
  await using rivals = await Rivals.open(python)
  const own = await rivals.versions()
  const versions = `onnxruntime ${own.onnxruntime}, OpenVINO ${own.openvino}, Python`
  // A rival that fails on a model is reported, and the others go on.
  const attempt = async (setting: string, measure: () => Promise<void>): Promise<void> => {
    if (!open.isDue('rival', setting)) return
    onProgress(setting)
    try {
      await measure()
    } catch (error) {
      if (!isTpError(error) || error.code !== 'TP_RUN') throw error
      onProgress(`${setting} does not run: ${error.message}`)
    }
  }
  const openVino = (setting: string, precision: OpenVinoRow['precision'], file: () => Promise<string>): Promise<void> =>
    attempt(setting, async () => measureOpenVino(open, rivals, { setting, path: await file(), precision, versions }))
  if (one.float32) await attempt(dynamicText(open.weights), () => measureDynamic(open, rivals, options))
  await openVino(NNCF, 'f32', () => quantizedFile(open, rivals))
  await openVino(BF16, 'bf16', async () => open.path)
  if (suite === undefined || own.fastembed === null || own.sentenceTransformers === null) return
  const packages = `fastembed ${own.fastembed}, sentence-transformers ${own.sentenceTransformers}`
  await measureTextRivals(open, rivals, { suite, versions: `${packages}, ${versions}`, attempt })
}

/** NNCF's file, made once: of the published weights, or of those that a file in 8 bits was made from, but for their rounding. */
async function quantizedFile(open: OpenCase, rivals: Rivals): Promise<string> {
  const { one, choosing, path } = open
  const out = reportsPath(`outside/${one.name}/openvino.xml`)
  if (existsSync(out)) return out
  await mkdir(dirname(out), { recursive: true })
  const float32 = one.float32 ? path : reportsPath(`outside/${one.name}/float32.onnx`)
  if (!existsSync(float32)) await rivals.dequantize(path, float32)
  await rivals.quantizeOpenVino(float32, out, await calibrating(choosing))
  return out
}

async function calibrating({ inputs }: OpenCase['choosing']): Promise<NamedTensors[]> {
  const rows = spreadByLength(inputs, CALIBRATING, 1)
  return await Promise.all(rows.map((row) => inputs.feeds(row)))
}

/** Its file runs where ours do. */
async function measureDynamic(open: OpenCase, rivals: Rivals, { runtime }: RivalOptions): Promise<void> {
  const path = reportsPath(`outside/${open.one.name}/dynamic.onnx`)
  if (!existsSync(path)) await rivals.quantizeDynamic(open.path, path, open.weights)
  const bytes = await readFile(path)
  const load = (threads: number): Promise<Session> => runtime.load(bytes, { threads })
  await open.measure(
    { kind: 'rival', setting: dynamicText(open.weights) },
    runOf(open, [load], { path, bytes, isNative: false }),
  )
}

interface OpenVinoRow {
  readonly setting: string
  readonly path: string
  readonly precision: 'f32' | 'bf16'
  readonly versions: string
}

async function measureOpenVino(
  open: OpenCase,
  rivals: Rivals,
  { setting, path, precision, versions }: OpenVinoRow,
): Promise<void> {
  await using dense = await open.dense(1)
  const load = (threads: number): Promise<number> => rivals.load('openvino', path, { precision, threads })
  const model = await load(1)
  await open.measure(
    { kind: 'rival', setting, versions },
    {
      open: [async () => rivals.session(model, { inputs: dense.inputs, outputs: dense.outputs })],
      async speeds(threads, batches) {
        const reference = await rivals.load('onnxruntime', open.path, { threads })
        const own = threads === 1 ? model : await load(threads)
        return { speed: await rivals.speeds({ model: own, dense: reference, threads }, batches) }
      },
      bytes: (await readFile(path.replace(/\.xml$/, '.bin'))).length,
    },
  )
}

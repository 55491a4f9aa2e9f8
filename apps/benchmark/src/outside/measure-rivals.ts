import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { spreadByLength } from '@tp/compare'
import { isTpError } from '@tp/core'
import type { Runtime, Session } from '@tp/core/runtime'
import { reportsPath } from '../files.ts'
import { runOf } from './measure-own.ts'
import type { OpenCase } from './open-case.ts'
import { Rivals } from './rivals.ts'

interface RivalOptions {
  readonly runtime: Runtime
  readonly python: string
  readonly onProgress: (text: string) => void
}

/** Examples by which OpenVINO's ranges are calibrated. */
const CALIBRATING = 128

/** The same model by others' means: onnxruntime's own quantization, and OpenVINO. */
export async function measureRivals(open: OpenCase, options: RivalOptions): Promise<void> {
  const { one } = open
  const { onProgress, python } = options
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
  if (one.float32) {
    await attempt(DYNAMIC, () => measureDynamic(open, rivals, options))
    await attempt('OpenVINO, 8 bits (NNCF)', async () => {
      const path = reportsPath(`outside/${one.name}/openvino.xml`)
      if (!existsSync(path)) await rivals.quantizeOpenVino(open.path, path, await calibrating(open))
      await measureOpenVino(open, rivals, { setting: 'OpenVINO, 8 bits (NNCF)', path, precision: 'f32', versions })
    })
  }
  await attempt('OpenVINO, bf16', async () => {
    await measureOpenVino(open, rivals, { setting: 'OpenVINO, bf16', path: open.path, precision: 'bf16', versions })
  })
}

const DYNAMIC = 'onnxruntime quantize_dynamic, per channel'

async function calibrating({ choosing: { inputs } }: OpenCase) {
  const rows = spreadByLength(inputs, CALIBRATING, 1)
  return await Promise.all(rows.map((row) => inputs.feeds(row)))
}

/** Its file runs where ours do. */
async function measureDynamic(open: OpenCase, rivals: Rivals, { runtime }: RivalOptions): Promise<void> {
  const path = reportsPath(`outside/${open.one.name}/dynamic.onnx`)
  if (!existsSync(path)) await rivals.quantizeDynamic(open.path, path)
  const bytes = await readFile(path)
  const load = (threads: number): Promise<Session> => runtime.load(bytes, { threads })
  await open.measure({ kind: 'rival', setting: DYNAMIC }, runOf(open, [load], { path, bytes, isNative: false }))
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
        return await rivals.speeds(
          { model: threads === 1 ? model : await load(threads), dense: reference, threads },
          batches,
        )
      },
      bytes: (await readFile(path.replace(/\.xml$/, '.bin'))).length,
    },
  )
}

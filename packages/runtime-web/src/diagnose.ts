import type { Diagnosis } from '@tp/core/runtime'
import { relaxedSimd, simd } from 'wasm-feature-detect'
import { platform } from '#platform'
import { importOrt, type OrtBuild } from './ort/start-ort.ts'
import type { Threads } from './threads.ts'
import { findAdapter } from './webgpu-adapter.ts'

/** `last`: what came of the threads that the last model asked for. */
export async function diagnose(engine: OrtBuild, last: Threads | undefined): Promise<Diagnosis> {
  const ort = await importOrt(engine)
  const adapter = await findAdapter()
  const { device, platform: name } = platform.describe()
  const obstacle = platform.whyOneThread(true)
  const threads = obstacle === undefined ? platform.cores() : 1
  return {
    runtime: `onnxruntime-web ${engine.name}`,
    version: ort.env.versions.web ?? 'unknown',
    threads,
    device: engine.name === 'webgpu' && adapter.found ? adapter.name : device,
    notes: [
      name,
      `threads: up to ${threads}${obstacle === undefined ? '' : ` of ${platform.cores()}, because ${obstacle}`}`,
      ...(last === undefined ? [] : [lastThreads(last)]),
      `SIMD: ${await simdSupport()}`,
      `WebGPU: ${adapter.found ? adapter.name : `none, because ${adapter.why}`}`,
    ],
  }
}

function lastThreads({ requested, got, why }: Threads): string {
  return `threads of the last model: ${requested === undefined ? 'none in particular' : requested} asked for, ${got} got, ${why}`
}

async function simdSupport(): Promise<string> {
  if (!(await simd())) return 'no; onnxruntime needs it and will not start'
  return (await relaxedSimd()) ? 'yes, relaxed too' : 'yes'
}

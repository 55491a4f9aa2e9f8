import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { requireWholeLibrary } from './whole-library.ts'

export type OrtNode = typeof import('onnxruntime-node')

const VERSION = '1.30'

/**
 * onnxruntime-node is imported when it is first needed, so that importing this package costs nothing.
 * @throws TpError TP_RUNTIME_MISSING
 */
export async function importOrt(): Promise<OrtNode> {
  try {
    for (const path of libraryFiles()) requireWholeLibrary(path)
    return await import('onnxruntime-node')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TpError(
      'TP_RUNTIME_MISSING',
      'runtime-node',
      `onnxruntime-node cannot be loaded (${reason}). Install it with: npm install onnxruntime-node@${VERSION}`,
      { cause },
    )
  }
}

/** The libraries that onnxruntime-node ships for this platform. @throws Error if it is not installed */
export function libraryFiles(): string[] {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json')
  const folder = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch)
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

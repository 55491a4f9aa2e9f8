import { createRequire } from 'node:module'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { ModelSignature, NamedTensors } from '@tp/core/runtime'
import { type DataFile, libraryFiles, requireWholeLibrary } from '@tp/runtime-node/model-files'

/** Called once, with what went wrong or null. */
export type Done<T> = (error: string | null, result: T) => void

interface NativeLoadOptions {
  readonly threads?: number
  readonly dataFiles: readonly DataFile[]
}

/** One model, as `native/session.h` has it. */
export interface NativeSession {
  /** @param options its `dataFiles` are read whole */
  load(model: Uint8Array | string, options: NativeLoadOptions, done: Done<ModelSignature>): void
  /** @throws Error if the feeds cannot be passed on */
  run(number: number, feeds: NamedTensors, done: Done<NamedTensors>): void
  abort(number: number): void
  close(): void
}

interface Addon {
  open(library: string, instructions: string): About
  stop(): void
  readonly Session: new (atOnce: number) => NativeSession
}

interface About {
  /** Of onnxruntime. */
  readonly version: string
  /** The instructions that compute attention: `avx512`, `avx2` or `baseline`. */
  readonly instructions: string
  /** Of the operators, with its version. */
  readonly compiler: string
}

export interface OpenAddon {
  readonly about: About
  readonly Session: Addon['Session']
}

const require = createRequire(import.meta.url)
let open: OpenAddon | undefined

/**
 * The addon with onnxruntime's library, opened when it is first needed. The environment variable `TP_INSTRUCTIONS` chooses what
 * packed attention is computed with, where that is not to be the fastest that the processor has.
 * @throws TpError TP_RUNTIME_MISSING if the addon was not built, or there is no onnxruntime; TP_OPTION for TP_INSTRUCTIONS that
 * this processor does not have
 */
export function openAddon(): OpenAddon {
  if (open !== undefined) return open
  const addon = requireAddon()
  const library = ortLibrary()
  try {
    requireWholeLibrary(library)
    open = { about: addon.open(library, process.env.TP_INSTRUCTIONS ?? ''), Session: addon.Session }
  } catch (cause) {
    throw openError(library, cause)
  }
  // Threads that still computed while the process ends would take it down (see native/ending.h).
  process.once('exit', addon.stop)
  return open
}

function requireAddon(): Addon {
  const folder = dirname(dirname(fileURLToPath(import.meta.url)))
  try {
    const find = require('node-gyp-build') as { (folder: string): unknown; resolve(folder: string): string }
    requireWholeLibrary(find.resolve(folder))
    return find(folder) as Addon
  } catch (cause) {
    const advice =
      'there is no prebuilt one for this machine, and none was built. With a C++ compiler, make and Python 3 run: npm rebuild ' +
      '@tp/runtime-native. Without, use @tp/runtime-node, which also runs packed models, more slowly'
    throw missing(`the addon cannot be loaded (${text(cause).split('\n')[0]}): ${advice}`, cause)
  }
}

/** The library that onnxruntime-node ships for this platform, or the one that `TP_ORT_LIB` names. */
function ortLibrary(): string {
  if (process.env.TP_ORT_LIB) return process.env.TP_ORT_LIB
  let files: string[]
  try {
    files = libraryFiles()
  } catch (cause) {
    throw missing('onnxruntime-node is not installed. Install it with: npm install onnxruntime-node@1.30', cause)
  }
  const names = ['libonnxruntime.so.1', 'libonnxruntime.1.dylib', 'libonnxruntime.dylib', 'onnxruntime.dll']
  const path = files.find((file) => names.includes(basename(file)))
  if (path !== undefined) return path
  throw missing(
    `onnxruntime-node has no library for ${process.platform} ${process.arch}. Give one's path as TP_ORT_LIB`,
  )
}

function openError(library: string, cause: unknown): TpError {
  const reason = text(cause)
  if (!reason.startsWith('this processor has')) {
    return missing(
      `onnxruntime cannot be loaded from ${library} (${reason}). Give the path of its library as TP_ORT_LIB`,
      cause,
    )
  }
  return new TpError('TP_OPTION', 'runtime-native', `TP_INSTRUCTIONS names none that can be used: ${reason}`, { cause })
}

function missing(message: string, cause?: unknown): TpError {
  return new TpError('TP_RUNTIME_MISSING', 'runtime-native', message, { cause })
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

import { type Verification, type VerifyOptions, verify } from '@tp/compare'
import { inspect, type LargestValue, largestValue } from '@tp/compiler'
import { isTpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import { type Runtime, readRuntimePlugin, type Session } from '@tp/core/runtime'
import { type ModelFile, sizeOfFiles } from '@tp/data'
import { withModelAsFile } from '@tp/data/files'
import { decodeModel, type Model } from '@tp/onnx'
import { boundedProcess, boundsFor, type RunSize } from '@tp/runtime-node/bounded'

export interface VerifyFileOptions extends Pick<VerifyOptions, 'steps' | 'methods' | 'states' | 'budget'> {
  /** The model that it was made of, where that is not what the file holds: without some layers, or with images of one size. */
  readonly source?: Model
  /** URL of `@tp/runtime-native`, for a packed file. */
  readonly native?: string | undefined
  /** Runs them in this process and without limits, where the file is known to be well-behaved; default: in a process of its own. */
  readonly runtime?: Pick<Runtime, 'load'> | undefined
  readonly signal: AbortSignal
}

/** The comparison, or why there was none. */
export type FileVerification = Verification | { readonly notVerified: string }

/** Nothing that was changed is to blame where the model cannot be fed or run, or where what runs it is not installed. */
const UNVERIFIABLE = new Set(['TP_INPUT', 'TP_DENSE', 'TP_MODEL_LIMIT', 'TP_RUNTIME', 'TP_BFLOAT16', 'TP_MODEL_LOAD'])

/**
 * Verifies a model that was made from a file, and waits for its name, in a process of its own with limits.
 * @param made the model, and where it can be loaded from
 * @throws TpError TP_VERIFY, TP_ABORTED; TP_CHANGED for a file that was written to meanwhile
 * @example
 * const { model } = transform(file.model, quantize())
 * await commitModel(model, file, '8-bit.onnx', { signal, verify: (path) => verifyFile({ model, path }, file, { signal }) })
 */
export async function verifyFile(
  made: { readonly model: Model; readonly path: string },
  file: ModelFile,
  { source = file.model, native, runtime: here, signal, ...options }: VerifyFileOptions,
): Promise<FileVerification> {
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(source))
  const largest = here === undefined ? largestValue(source) : undefined
  if (largest !== undefined && largest.bytes > bounds.bytes / 2) return { notVerified: tooLarge(largest) }
  await using process = boundedProcess(signal)
  const load = async (path: string, module?: string): Promise<Session> => {
    if (here === undefined) return await process.load(path, { bounds, ...(module !== undefined && { module }) })
    const own = module === undefined ? here : readRuntimePlugin(await import(module), module).runtime
    return await own.load(path, { signal })
  }
  const loadMade = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, (path) => load(path))
  const runtime: Pick<Runtime, 'load'> = {
    load: (from) => (typeof from === 'string' ? load(from) : loadMade(decodeModel(from))),
  }
  try {
    return await verify(made, source === file.model ? { model: source, path: file.path } : source, {
      ...options,
      ...{ runtime, signal, load: loadMade },
      ...(native !== undefined && { changedRuntime: { load: (from) => load(from as string, native) } }),
    })
  } catch (error) {
    // Verification also fails where the source is another one by now.
    await file.requireUnchanged()
    if (!isTpError(error) || !UNVERIFIABLE.has(error.code)) throw error
    return { notVerified: bareMessage(error) }
  }
}

function tooLarge({ node, bytes }: LargestValue): string {
  const seen = `${node} makes a value of ${(bytes / 2 ** 30).toFixed(1)} GiB whatever the model is given`
  return `${seen}, far more than one of its size needs; run it without bounds only if you know where it comes from`
}

/** Tokens of a long text next to a short one, as `verify` runs them. */
const TOKENS = 1024

/** The largest run of a model: of images and sounds of a fixed size, or of texts. */
function largestRun(model: Model): RunSize {
  const found = inspect(model)
  if (!found.ok) return { tokens: TOKENS, scores: 0 }
  const batch = typeof found.batch === 'number' ? found.batch : 2
  const length = typeof found.tokens === 'number' ? found.tokens : TOKENS / 2
  return { tokens: Math.max(TOKENS, batch * length), scores: 4 * batch * found.heads * length ** 2 }
}

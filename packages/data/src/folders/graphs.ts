import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TpError } from '@tp/core'
import { readModelFolder } from '../inputs/model-folder.ts'

/** Precisions by the suffixes that transformers.js and optimum give to names of files: `model_quantized.onnx`. */
const PRECISIONS: Readonly<Record<string, string>> = {
  ...{ fp16: 'fp16', int8: 'int8', uint8: 'uint8', quantized: 'q8', bnb4: 'bnb4' },
  ...{ q4: 'q4', q4f16: 'q4f16', q2: 'q2', q2f16: 'q2f16', q1: 'q1', q1f16: 'q1f16' },
}

/** Names of graphs, the first of which that a folder has is what the folder stands for. */
const MAIN = ['model', 'encoder_model', 'decoder_model_merged', 'decoder_model']
/** Of decoders next to an encoder, in the order in which one is chosen to write texts. */
const DECODERS = ['decoder_model_merged', 'decoder_model', 'decoder_with_past_model']

/** An ONNX file of a model folder. */
export interface FolderGraph {
  /** Relative to the folder: `onnx/model_fp16.onnx`. */
  readonly file: string
  /** The name without its precision: `model`, `encoder_model`. */
  readonly name: string
  /** As transformers.js writes it: `fp32`, `fp16`, `q8` for `_quantized`, `q4` … */
  readonly dtype: string
}

/** The ONNX files of a model folder, by what they are. */
export interface FolderGraphs {
  readonly folder: string
  /** The one that the folder stands for: `model`, else the encoder, else the decoder, else the only one; in float32 where there is one. */
  readonly main: FolderGraph
  /** The same graph in other precisions. */
  readonly variants: readonly FolderGraph[]
  /** Decoders that read the states of a speech encoder; the first one writes texts. Decoders of texts also read the mask of the dense one. */
  readonly decoders: readonly FolderGraph[]
  /** All others: `vision_model.onnx`. */
  readonly others: readonly FolderGraph[]
}

/**
 * The ONNX files of a model folder: those in it, and in its folder `onnx`.
 * @param path the folder, or one of its ONNX files, which is the main one then
 * @throws TpError TP_FILE_NOT_FOUND for a folder without one, TP_AMBIGUOUS where several may be meant
 */
export async function readFolderGraphs(path: string): Promise<FolderGraphs> {
  const isFolder = await isDirectory(path)
  const folder = isFolder ? path : folderOf(path)
  const all = await graphsIn(folder)
  const main = isFolder ? mainOf(folder, all) : all.find(({ file }) => resolve(folder, file) === resolve(path))
  if (main === undefined) throw new TpError('TP_FILE_NOT_FOUND', 'data', `there is no ONNX file at ${path}`)
  const others = all.filter((graph) => graph !== main)
  const isSpeech =
    main.name === 'encoder_model' && (await readModelFolder(join(folder, main.file))).sampleRate !== undefined
  const decoders = isSpeech ? decodersAmong(others, main) : []
  const variants = others.filter(({ name }) => name === main.name)
  return {
    ...{ folder, main, variants, decoders },
    others: others.filter((graph) => !variants.includes(graph) && !decoders.includes(graph)),
  }
}

/**
 * The ONNX file that a path means: a folder stands for the main one of {@link readFolderGraphs}; any other path is returned as it is.
 * @param as what is looked for; a folder without an encoder stands for its main graph either way
 * @throws TpError TP_FILE_NOT_FOUND, TP_AMBIGUOUS
 */
export async function modelOf(path: string, as: 'model' | 'decoder' = 'model'): Promise<string> {
  if (!(await isDirectory(path))) return path
  const { folder, main, decoders } = await readFolderGraphs(path)
  return join(folder, ((as === 'decoder' && decoders[0]) || main).file)
}

/** The folder of an ONNX file: the one above, if its own is called `onnx`. */
export function folderOf(model: string): string {
  const own = dirname(model)
  return basename(resolve(own)) === 'onnx' ? dirname(own) : own
}

/** Whether the path leads to a folder. */
export function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
}

/** `onnx/model_q4.onnx` → model in q4 */
export function graphOfFile(file: string): FolderGraph {
  const stem = basename(file, '.onnx')
  const at = stem.lastIndexOf('_')
  const dtype = at < 0 ? undefined : PRECISIONS[stem.slice(at + 1)]
  return dtype === undefined ? { file, name: stem, dtype: 'fp32' } : { file, name: stem.slice(0, at), dtype }
}

/** The file of the same graph in another precision. */
export function fileInPrecision({ file, name }: FolderGraph, dtype: string): string {
  const suffix = Object.keys(PRECISIONS).find((key) => PRECISIONS[key] === dtype)
  return join(dirname(file), `${name}${suffix === undefined ? '' : `_${suffix}`}.onnx`)
}

async function graphsIn(folder: string): Promise<FolderGraph[]> {
  const names = async (sub: string): Promise<string[]> => {
    const found = await readdir(join(folder, sub)).catch(() => [])
    return found.filter((name) => name.endsWith('.onnx') && !name.startsWith('.')).map((name) => join(sub, name))
  }
  return [...(await names('.')), ...(await names('onnx'))].toSorted().map(graphOfFile)
}

function mainOf(folder: string, all: readonly FolderGraph[]): FolderGraph {
  const names = [...new Set(all.map(({ name }) => name))]
  const name = MAIN.find((known) => names.includes(known)) ?? (names.length === 1 ? names[0] : undefined)
  const named = all.filter((graph) => graph.name === name)
  const floats = named.filter(({ dtype }) => dtype === 'fp32')
  const [main, another] = floats.length > 0 ? floats : named
  if (main !== undefined && another === undefined) return main
  if (all.length === 0) {
    const seen = `${folder} is a folder without an ONNX file in it or in its folder onnx`
    throw new TpError('TP_FILE_NOT_FOUND', 'data', `${seen}; give the path of an .onnx file or of its folder`)
  }
  const files = all.map(({ file }) => file).join(', ')
  throw new TpError('TP_AMBIGUOUS', 'data', `${folder} has several ONNX files: ${files}; give the path of one of them`)
}

/** Those of the encoder's own precision first. */
function decodersAmong(graphs: readonly FolderGraph[], { dtype: own }: FolderGraph): FolderGraph[] {
  const rank = ({ name, dtype }: FolderGraph): number => (dtype === own ? 0 : 10) + DECODERS.indexOf(name)
  return graphs.filter(({ name }) => DECODERS.includes(name)).toSorted((a, b) => rank(a) - rank(b))
}

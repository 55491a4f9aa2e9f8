import { closeSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import type { PipelinePlatform, SessionClass } from './platform.ts'

export const platform: PipelinePlatform = {
  async findSessionClass() {
    const transformers = createRequire(import.meta.url).resolve('@huggingface/transformers')
    const { InferenceSession } = createRequire(transformers)('onnxruntime-node') as { InferenceSession: SessionClass }
    return InferenceSession
  },
  async open(model) {
    if (typeof model !== 'string') return { bytes: model }
    const folder = dirname(model)
    return {
      bytes: await readFile(model),
      readPart: (location, offset, length) => readPart(join(folder, location), offset, length),
      folder,
    }
  },
}

function readPart(path: string, offset: number, length: number): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(length)
    if (readSync(file, bytes, 0, length, offset) === length) return bytes
    throw new TpError('TP_EXTERNAL_DATA', 'transformers', `${path} ends before byte ${offset + length}`)
  } finally {
    closeSync(file)
  }
}

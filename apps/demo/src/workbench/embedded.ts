import { modelFacts, openTokenizer } from '@tp/eval/inputs'
import digitsConfig from '@tp/models/digits-vit/config.json' with { type: 'json' }
import digitsModel from '@tp/models/digits-vit/model.onnx?url'
import fashionConfig from '@tp/models/fashion-vit/config.json' with { type: 'json' }
import fashionModel from '@tp/models/fashion-vit/model.onnx?url'
import mailConfig from '@tp/models/mail/config.json' with { type: 'json' }
import mailModel from '@tp/models/mail/model.int8.onnx?url'
import mailTokenizer from '@tp/models/mail/tokenizer.json?url'
import type { Labelled } from '../engine/accuracy.ts'
import type { Content } from '../inputs/content.ts'
import { digitImage } from '../inputs/digit/digit-image.ts'
import { keepFiles } from '../offline/keep-files.ts'
import type { ModelSource } from './model-source.ts'

export interface EmbeddedModels {
  mail(): Promise<ModelSource>
  digits(): Promise<ModelSource>
  fashion(): Promise<ModelSource>
}

/** The models that come with the page. Each is loaded once, when it is first asked for. */
export const embedded: EmbeddedModels = {
  mail: once(async () => {
    const [bytes, tokenizer] = await Promise.all([fetchBytes(mailModel), fetchText(mailTokenizer)])
    return {
      name: 'mail',
      bytes,
      facts: modelFacts(mailConfig, {}),
      tokenizer: openTokenizer(tokenizer, 'tokenizer.json'),
      set: { what: 'mails it has never seen', load: once(mails) },
    }
  }),
  digits: once(async () => ({
    name: 'digits-vit',
    bytes: await fetchBytes(digitsModel),
    facts: modelFacts(digitsConfig, { image_mean: [0.1307], image_std: [0.3081] }),
    set: { what: 'digits it has never seen', load: once(digits) },
  })),
  fashion: once(async () => ({
    name: 'fashion-vit',
    bytes: await fetchBytes(fashionModel),
    facts: modelFacts(fashionConfig, { image_mean: [0.286], image_std: [0.353] }),
  })),
}

async function mails(): Promise<Labelled<Content>[]> {
  const { default: examples } = await import('virtual:mails')
  return examples.map(({ text, label }) => ({ content: { kind: 'text', text }, label }))
}

async function digits(): Promise<Labelled<Content>[]> {
  const { default: examples } = await import('virtual:digits')
  return examples.map(({ pixels, label }) => ({
    content: { kind: 'image', image: digitImage(pixels) },
    label,
  }))
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

async function fetchBytes(address: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetchFile(address)).arrayBuffer())
}

async function fetchText(address: string): Promise<string> {
  return (await fetchFile(address)).text()
}

/** Whatever is large is loaded after this, once. */
const ready = once(keepFiles)

async function fetchFile(address: string): Promise<Response> {
  await ready()
  const response = await fetch(address)
  if (!response.ok) throw new Error(`${address} cannot be loaded (${response.status})`)
  return response
}

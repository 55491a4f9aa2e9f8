import { modelFacts, openTokenizer } from '@tp/data/inputs'
import digitsConfig from '@tp/models/digits-vit/config.json' with { type: 'json' }
import digitsModel from '@tp/models/digits-vit/model.onnx?gzip'
import fashionConfig from '@tp/models/fashion-vit/config.json' with { type: 'json' }
import fashionModel from '@tp/models/fashion-vit/model.onnx?gzip'
import mailConfig from '@tp/models/mail/config.json' with { type: 'json' }
import type { Labeled } from '../engine/accuracy.ts'
import type { Content } from '../inputs/content.ts'
import { digitImage } from '../inputs/digit/digit-image.ts'
import { loadFile } from '../loading/load-file.ts'
import { once } from '../loading/once.ts'
import { mailFiles } from './mail-files.ts'
import type { ModelSource } from './model-source.ts'
import { presets } from './presets.ts'

export interface EmbeddedModels {
  mail(): Promise<ModelSource>
  digits(): Promise<ModelSource>
  fashion(): Promise<ModelSource>
}

/** The models of the page. Each is loaded once, when it is first asked for. */
export const embedded: EmbeddedModels = {
  mail: once(async () => {
    const [model, tokenizer] = await mailFiles()
    return {
      name: 'mail',
      bytes: await bytesOf(model),
      facts: modelFacts(mailConfig, {}),
      presets: presets.mail,
      tokenizer: openTokenizer(await tokenizer.text(), 'tokenizer.json'),
      set: { what: 'mails it has never seen', load: once(mails) },
    }
  }),
  digits: once(async () => ({
    name: 'digits-vit',
    bytes: await bytesOf(await loadFile(digitsModel)),
    facts: modelFacts(digitsConfig, { image_mean: [0.1307], image_std: [0.3081] }),
    presets: presets['digits-vit'],
    set: { what: 'digits it has never seen', load: once(digits) },
  })),
  fashion: once(async () => ({
    name: 'fashion-vit',
    bytes: await bytesOf(await loadFile(fashionModel)),
    facts: modelFacts(fashionConfig, { image_mean: [0.286], image_std: [0.353] }),
    presets: presets['fashion-vit'],
  })),
}

async function bytesOf(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer())
}

async function mails(): Promise<Labeled<Content>[]> {
  const { default: examples } = await import('virtual:mails')
  return examples.map(({ text, label }) => ({ content: { kind: 'text', text }, label }))
}

async function digits(): Promise<Labeled<Content>[]> {
  const { default: examples } = await import('virtual:digits')
  return examples.map(({ pixels, label }) => ({
    content: { kind: 'image', image: digitImage(pixels) },
    label,
  }))
}

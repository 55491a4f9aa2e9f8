import { TpError } from '@tp/core'

const HUB = 'https://huggingface.co'

/** Where a model is on the web: a model of the hub by its name, or an .onnx file by its address. */
export type ModelAddress =
  | { readonly kind: 'hub'; readonly name: string }
  | { readonly kind: 'file'; readonly url: string }

/** @throws TpError TP_FILES for what is neither */
export function readAddress(text: string): ModelAddress {
  if (/^[\w.-]+\/[\w.-]+$/.test(text)) return { kind: 'hub', name: text }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw neither(text)
  if (/\.onnx$/i.test(url.pathname)) {
    // The hub shows a file under blob, and serves it under resolve.
    if (url.origin === HUB) url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/')
    return { kind: 'file', url: url.href }
  }
  const name = /^\/([\w.-]+\/[\w.-]+)/.exec(url.pathname)?.[1]
  if (url.origin !== HUB || name === undefined) throw neither(text)
  return { kind: 'hub', name }
}

function neither(text: string): TpError {
  const forms = 'the name of a model at Hugging Face (organisation/model), nor the address of an .onnx file (https://…)'
  return new TpError('TP_FILES', 'demo', `${JSON.stringify(text)} is neither ${forms}.`)
}

/** Address of what the hub knows about a model. */
export function listingOf(name: string): string {
  return `${HUB}/api/models/${name}`
}

export function fileOf(name: string, path: string): string {
  return `${HUB}/${name}/resolve/main/${path}`
}

/** Small ones first, since they have to be downloaded; `undefined` where there is none. */
export function chooseModel(paths: readonly string[]): string | undefined {
  const models = paths.filter((path) => /(^|\/)model(_\w+)?\.onnx$/.test(path))
  const preferred = ['model_quantized', 'model_int8', 'model']
  return preferred.map((name) => models.find((path) => path.endsWith(`${name}.onnx`))).find(Boolean) ?? models[0]
}

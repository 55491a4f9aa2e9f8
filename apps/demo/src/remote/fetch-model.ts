import { TpError } from '@tp/core'
import { decodeModel, externalTensors } from '@tp/onnx'
import { type BytesRead, lengthOf, readBytes } from '../loading/read-bytes.ts'
import { companions } from '../workbench/read-files.ts'
import { chooseModel, fileOf, listingOf, readAddress } from './model-address.ts'

/**
 * Downloads a model with what belongs to it, by its name at Hugging Face or the address of its .onnx file.
 * @param onProgress told of the file that is on its way
 * @throws TpError TP_FILES that says why the page cannot have it
 */
export async function fetchModel(
  text: string,
  onProgress: (progress: BytesRead) => void,
  signal: AbortSignal,
): Promise<File[]> {
  const { url, others } = await placesOf(text, signal)
  const bytes = await download(url, onProgress, signal)
  const data = dataLocations(bytes).map((location) => new URL(location, url).href)
  const files = [fileFrom(url, bytes)]
  for (const place of data) files.push(fileFrom(place, await download(place, onProgress, signal)))
  for (const place of others) {
    const found = await download(place, () => {}, signal).catch(unlessAborted(signal))
    if (found !== undefined) files.push(fileFrom(place, found))
  }
  return files
}

interface Places {
  readonly url: string
  /** Files that a model may have next to it. */
  readonly others: readonly string[]
}

async function placesOf(text: string, signal: AbortSignal): Promise<Places> {
  const address = readAddress(text)
  if (address.kind === 'file') {
    const isInOnnx = /\/onnx\/[^/]+$/.test(new URL(address.url).pathname)
    return {
      url: address.url,
      others: companions.map((name) => new URL(isInOnnx ? `../${name}` : name, address.url).href),
    }
  }
  const { name } = address
  const listing = JSON.parse(new TextDecoder().decode(await download(listingOf(name), () => {}, signal)))
  const siblings: readonly { readonly rfilename: string }[] = listing.siblings ?? []
  const paths = siblings.map(({ rfilename }) => rfilename)
  const model = chooseModel(paths)
  if (model === undefined) {
    throw problem(`${name} has no model.onnx. Look for one that was exported to ONNX, such as those of onnx-community.`)
  }
  const others = companions.filter((path) => paths.includes(path))
  return { url: fileOf(name, model), others: others.map((path) => fileOf(name, path)) }
}

/** Files with weights that a model names, relative to it; none where it cannot be read, which opening it reports. */
function dataLocations(bytes: Uint8Array): readonly string[] {
  try {
    return [...new Set(externalTensors(decodeModel(bytes)).map(({ location }) => location))]
  } catch {
    return []
  }
}

async function download(
  url: string,
  onProgress: (progress: BytesRead) => void,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { host, pathname } = new URL(url)
  let response: Response
  try {
    response = await fetch(url, { signal })
  } catch (cause) {
    if (signal.aborted) throw cause
    const reasons =
      'there is no network, no such server, or the server does not let pages of other sites read its files ' +
      '(it sends no Access-Control-Allow-Origin: CORS)'
    throw problem(`${host} does not answer for ${pathname}: ${reasons}. Download the files, and open them here.`)
  }
  if (response.ok) return readBytes(response.body, lengthOf(response), onProgress)
  const { status } = response
  const meaning = status === 401 || status === 403 ? 'it does not exist, or is not public' : 'there is no such file'
  throw problem(`${host} answers ${status} for ${pathname}${status < 500 ? `: ${meaning}` : ''}.`)
}

function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (signal.aborted) throw error
    return undefined
  }
}

function fileFrom(url: string, bytes: Uint8Array<ArrayBuffer>): File {
  return new File([bytes], decodeURIComponent(new URL(url).pathname.replace(/^.*\//, '')))
}

function problem(message: string): TpError {
  return new TpError('TP_FILES', 'demo', message)
}

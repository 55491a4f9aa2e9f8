/**
 * The worker of a page without a bundler, or undefined where a bundler has resolved the names of modules. A page's import
 * map does not reach its workers, so this one is a single file that receives the location of onnxruntime.
 */
export function startUnbundled({
  name: engine,
  ortName,
}: {
  readonly name: string
  readonly ortName: string
}): Worker | undefined {
  const ort = byImportMap(ortName)
  if (ort === undefined) return undefined
  // Not in the form of an asset's address, so that no bundler packs this file.
  const address = new URL(import.meta.url.replace(/[^/]*$/, 'unbundled-worker.bundle.js'))
  address.search = String(new URLSearchParams({ engine, ort }))
  return new Worker(address, { type: 'module' })
}

/** The entry of the page's import map for a name of onnxruntime; undefined where a bundler has resolved the names. */
export function byImportMap(name: string): string | undefined {
  try {
    // Only a map that was written for this package has a name of this package's own.
    import.meta.resolve('#platform')
    return import.meta.resolve(name)
  } catch {
    return undefined
  }
}

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const SUFFIX = '?gzip'

/**
 * `import address from './file?gzip'`: the address of a compressed copy, for hosts that compress nothing themselves. While developing,
 * that of the file as it is; `loadFile` reads either.
 */
export function compressedFiles(): Plugin {
  let isBuild = false
  return {
    name: 'compressed-files',
    enforce: 'pre',
    configResolved({ command }) {
      isBuild = command === 'build'
    },
    async resolveId(id, importer) {
      if (!id.endsWith(SUFFIX)) return undefined
      const found = await this.resolve(id.slice(0, -SUFFIX.length), importer, { skipSelf: true })
      return found && `${found.id}${isBuild ? SUFFIX : '?url'}`
    },
    async load(id) {
      if (!id.endsWith(SUFFIX)) return undefined
      const path = id.slice(0, -SUFFIX.length)
      const source = gzipSync(await readFile(path), { level: 9 })
      const reference = this.emitFile({ type: 'asset', name: `${basename(path)}.gz`, source })
      return `export default import.meta.ROLLUP_FILE_URL_${reference}`
    },
  }
}

/** Omits files that code of others names, but that the page serves in another form. */
export function omittedFiles(pattern: RegExp): Plugin {
  return {
    name: 'omitted-files',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const name of Object.keys(bundle)) if (pattern.test(name)) delete bundle[name]
    },
  }
}

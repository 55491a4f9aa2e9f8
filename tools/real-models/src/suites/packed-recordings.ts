import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzip } from './unzip.ts'

/**
 * Recordings with `transcripts.tsv`, of archives at `language-REGION/part/….zip` in a folder, each with recordings and `trans.txt`, lines of
 * `name<TAB>transcript`. Of recordings with the same transcript there is the first.
 */
export function packedRecordings(
  folder: string,
  archives: readonly string[],
): (checkout: string, out: string) => Promise<void> {
  return async (checkout, out) => {
    const lines: string[] = []
    const known = new Set<string>()
    for (const archive of archives) {
      const [region = '', part = ''] = archive.split('/')
      const files = unzip(await readFile(join(checkout, folder, archive)))
      const transcripts = String(files.get('trans.txt') ?? '').replace('\uFEFF', '')
      for (const line of transcripts.split(/\r?\n/)) {
        const [name = '', text = ''] = line.split('\t')
        const sound = files.get(name)
        if (sound === undefined || known.has(text)) continue
        known.add(text)
        const file = `${region}-${part}-${name}`
        await writeFile(join(out, file), sound)
        lines.push(`${file}\t${text.trim()}\t${region.split('-')[0]}\n`)
      }
    }
    await writeFile(join(out, 'transcripts.tsv'), lines.join(''))
  }
}

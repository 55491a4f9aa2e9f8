import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const page = fileURLToPath(new URL('page', import.meta.url))

/** Bundles a page with Vite as a user would; only `vitest` is another one there. */
export async function buildPage(html: string, outDir: string): Promise<void> {
  await build({
    configFile: false,
    root: page,
    base: './',
    logLevel: 'error',
    resolve: { alias: { vitest: `${page}/vitest.ts` } },
    build: { outDir, emptyOutDir: true, reportCompressedSize: false, rolldownOptions: { input: `${page}/${html}` } },
  })
}

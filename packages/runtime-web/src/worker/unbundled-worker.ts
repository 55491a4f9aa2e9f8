// Entry of the worker in a page without a bundler (see unbundled.ts); the package's build makes one file of it.
import type { Ort, OrtBuild } from '../ort/start-ort.ts'
import { serve } from './serve.ts'

const { searchParams } = new URL(import.meta.url)
const name = searchParams.get('engine') as OrtBuild['name']

serve({
  name,
  breaksOnFailure: name === 'webgpu',
  importOrt: () => import(searchParams.get('ort') as string) as Promise<Ort>,
})

/** The graphics device that WebGPU would use, or why there is none. */
export type AdapterReport =
  | { readonly found: true; readonly name: string }
  | { readonly found: false; readonly why: string }

/** The part of `navigator.gpu` that is used; TypeScript's own types have it only in part. */
interface GpuLike {
  requestAdapter(): Promise<{
    readonly features: { has(name: string): boolean }
    readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string }
  } | null>
}

export async function findAdapter(): Promise<AdapterReport> {
  const gpu = (globalThis.navigator as { readonly gpu?: GpuLike } | undefined)?.gpu
  if (gpu === undefined) {
    const secure = globalThis.isSecureContext !== false
    return { found: false, why: secure ? 'it is not known here' : 'the page is not served by https or from localhost' }
  }
  const adapter = await gpu.requestAdapter().catch(() => null)
  if (adapter === null) return { found: false, why: 'the browser knows it but finds no graphics adapter it may use' }
  const { vendor, architecture, description } = adapter.info
  const name = [vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed adapter'
  return { found: true, name: `${name}, ${adapter.features.has('shader-f16') ? 'with' : 'without'} 16-bit floats` }
}

/** How much of something large has arrived. */
export interface BytesRead {
  readonly bytes: number
  /** Undefined where the server does not say. */
  readonly of: number | undefined
}

/** The whole of a stream, told piece by piece. @param of its length, if it is known */
export async function readBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  of: number | undefined,
  onProgress: (progress: BytesRead) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  onProgress({ bytes, of })
  const reader = stream?.getReader()
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    parts.push(next.value)
    bytes += next.value.byteLength
    onProgress({ bytes, of })
  }
  return joined(parts, bytes)
}

/** Bytes that will come out of the body of a response; with an encoding the header counts others. */
export function lengthOf({ headers }: Response): number | undefined {
  const length = headers.has('content-encoding') ? null : headers.get('content-length')
  return length === null ? undefined : Number(length)
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

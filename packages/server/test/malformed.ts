import fc from 'fast-check'

export interface MalformedRequest {
  readonly route: string
  readonly body: string | Uint8Array
  readonly headers: Record<string, string>
}

const valid: Readonly<Record<string, object>> = {
  '/predict': { inputs: [['a text'], ['one', 'two']], truncate: false, raw_scores: true },
  '/embed': { inputs: ['a text'], normalize: true, dimensions: 4 },
  '/rerank': { query: 'a query', texts: ['a text', 'another'], return_text: true },
  '/v1/embeddings': { model: 'mail', input: ['a text'], encoding_format: 'base64' },
}

const infer = {
  id: '1',
  parameters: { binary_data_output: true },
  inputs: [
    { name: 'input_ids', shape: [1, 3], datatype: 'INT64', data: [2, 40, 3] },
    { name: 'attention_mask', shape: [1, 3], datatype: 'INT64', data: [1, 1, 1] },
  ],
  outputs: [{ name: 'logits' }],
}

const junk = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    null,
    -1,
    1e308,
    2 ** 53,
    '',
    [],
    {},
    [[[[[[[[[[0]]]]]]]]]],
    'x'.repeat(3000),
    '\ud800',
    '\u0000',
    '__proto__',
    'constructor',
  ),
)

/** Requests with one part replaced, and bodies that are not requests at all. */
export function malformed(inferRoute: string): fc.Arbitrary<MalformedRequest> {
  const bodies = { ...valid, [inferRoute]: infer }
  const route = fc.constantFrom(...Object.keys(bodies))
  const changed = route.chain((own) =>
    fc.record({ at: fc.nat(), by: junk, isRemoved: fc.boolean() }).map(({ at, by, isRemoved }) => ({
      route: own,
      body: JSON.stringify(change(bodies[own] as object, at, isRemoved ? undefined : by)),
      headers: { 'content-type': 'application/json' },
    })),
  )
  const types = fc.constantFrom(
    'application/json',
    'application/octet-stream',
    'text/plain',
    'x',
    'multipart/form-data; boundary=x',
  )
  const bytes = fc.record({
    route,
    body: fc.oneof(fc.string(), fc.uint8Array({ maxLength: 200 }), fc.json()),
    headers: types.map((type) => ({ 'content-type': type })),
  })
  const binary = fc
    .record({
      size: fc.oneof(fc.nat(40), junk),
      length: fc.oneof(fc.integer({ min: -5, max: 400 }), fc.string()),
      rest: fc.uint8Array({ maxLength: 60 }),
    })
    .map(({ size, length, rest }) => {
      const inputs = infer.inputs.map(({ data: _, ...input }) => ({ ...input, parameters: { binary_data_size: size } }))
      const json = Buffer.from(JSON.stringify({ inputs }))
      const header = typeof length === 'number' && length % 2 === 0 ? String(json.length) : encodeURIComponent(length)
      return {
        route: inferRoute,
        body: Buffer.concat([json, rest]),
        headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': header },
      }
    })
  return fc.oneof(changed, changed, bytes, binary) as fc.Arbitrary<MalformedRequest>
}

/** A copy of which the part of that number, counted through all levels, is another, or not there. */
function change(value: unknown, at: number, by: unknown): unknown {
  const places: (readonly [holder: Record<string, unknown>, key: string])[] = []
  const copy = structuredClone(value)
  const collect = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return
    for (const key of Object.keys(holder)) {
      places.push([holder as Record<string, unknown>, key])
      collect((holder as Record<string, unknown>)[key])
    }
  }
  collect(copy)
  const [holder, key] = places[at % places.length] as (typeof places)[number]
  if (by === undefined) delete holder[key]
  else holder[key] = by
  return copy
}

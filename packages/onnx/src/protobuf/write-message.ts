import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Fields, Messages } from './create-message.ts'
import { type MessageField, type MessageType, messageType, type Scalar } from './message-types.ts'
import { type Packing, type UnknownField, wireTypeOf } from './read-message.ts'

/** Below this, copying bytes again is cheaper than keeping them separate. */
const SMALL = 4096

const utf8 = new TextEncoder()

/**
 * The bytes of a message: fields in the order of their numbers, unknown ones last. Large parts (weights) are copied once,
 * straight to their position, where a writer of nested messages would move them at each level.
 */
export function writeMessage<Name extends keyof Messages>(
  name: Name,
  message: Messages[Name],
  packing: Packing = new Set(),
): Uint8Array {
  return join(new Chunks(packing).write(messageType(name), message as unknown as Fields).end())
}

/** Bytes under way: small ones in a writer, large ones apart. */
class Chunks {
  readonly #packing: Packing
  readonly #writer = new BinaryWriter()
  #chunks: Uint8Array[] = []
  /** For messages inside, one after the other: a new writer for each would cost more than its bytes. */
  #inner: Chunks | undefined

  constructor(packing: Packing) {
    this.#packing = packing
  }

  write(type: MessageType, message: Fields): this {
    for (const field of type.fields) {
      const value = valueIn(field, message)
      if (value === undefined) continue
      if (field.repeated) this.#items(type, field, value as readonly unknown[])
      else this.#item(field, value)
    }
    for (const { no, wireType, data } of (message.$unknown ?? []) as readonly UnknownField[]) {
      this.#writer.tag(no, wireType).raw(data)
    }
    return this
  }

  /** The bytes of a message; the next one begins empty. */
  end(): Uint8Array[] {
    const chunks = [...this.#chunks, this.#writer.finish()]
    this.#chunks = []
    return chunks
  }

  #items(type: MessageType, field: MessageField, items: readonly unknown[]): void {
    const packed = field.packed !== this.#packing.has(`${type.name}.${field.name}`)
    if (!packed) {
      for (const item of items) this.#item(field, item)
    } else if (items.length > 0) {
      this.#writer.tag(field.number, WireType.LengthDelimited).fork()
      for (const item of items) writeScalar(this.#writer, field.scalar as Scalar, item)
      this.#writer.join()
    }
  }

  #item(field: MessageField, value: unknown): void {
    if (field.message !== undefined) {
      this.#inner ??= new Chunks(this.#packing)
      this.#apart(field, this.#inner.write(messageType(field.message), value as Fields).end())
    } else if (field.scalar === 'bytes') {
      this.#apart(field, [value as Uint8Array])
    } else if (typeof value === 'string' && value.length >= SMALL) {
      this.#apart(field, [utf8.encode(value)])
    } else {
      this.#writer.tag(field.number, wireTypeOf(field))
      writeScalar(this.#writer, field.scalar as Scalar, value)
    }
  }

  #apart(field: MessageField, body: readonly Uint8Array[]): void {
    const length = lengthOf(body)
    this.#writer.tag(field.number, WireType.LengthDelimited).uint32(length)
    if (length >= SMALL) this.#chunks.push(this.#writer.finish(), ...body)
    else for (const chunk of body) this.#writer.raw(chunk)
  }
}

/** Undefined for a field that is not set: a message has its defaults from its prototype. */
function valueIn({ name, oneof }: MessageField, message: Fields): unknown {
  if (oneof === undefined) return Object.hasOwn(message, name) ? message[name] : undefined
  const chosen = message[oneof] as { readonly case?: string; readonly value?: unknown } | undefined
  return chosen?.case === name ? chosen.value : undefined
}

function writeScalar(writer: BinaryWriter, scalar: Scalar, value: unknown): void {
  // Each method takes what the method of the same name has read.
  ;(writer[scalar] as (value: unknown) => BinaryWriter).call(writer, value)
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(chunks))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

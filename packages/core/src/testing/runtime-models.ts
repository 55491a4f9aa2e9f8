/**
 * Tiny ONNX models (opset 17, IR 8) for the conformance kit, base64 of what Python's `onnx.helper` writes:
 * `make_model(make_graph(nodes, name, inputs, outputs))` with the nodes that each comment gives.
 */

/** y = Add(a, b), all float32[B,N,2]. */
export const sumModel: Uint8Array = decode(
  'CAgSADpmCg4KAWEKAWISAXkiA0FkZBIDc3VtWhkKAWESFAoSCAESDgoDEgFCCgMSAU4KAggCWhkKAWISFAoSCAESDgoDEgFCCgMSAU4KAggC' +
    'YhkKAXkSFAoSCAESDgoDEgFCCgMSAU4KAggCQgQKABAR',
)

/** For each element type t: Concat(t, t) along the one, unnamed axis; inputs `t`, outputs `t_twice`. */
export const twiceModel: Uint8Array = decode(
  'CAgSADruBgo2CgdmbG9hdDMyCgdmbG9hdDMyEg1mbG9hdDMyX3R3aWNlIgZDb25jYXQqCwoEYXhpcxgAoAECCjYKB2Zsb2F0NjQKB2Zsb2F0' +
    'NjQSDWZsb2F0NjRfdHdpY2UiBkNvbmNhdCoLCgRheGlzGACgAQIKNgoHZmxvYXQxNgoHZmxvYXQxNhINZmxvYXQxNl90d2ljZSIGQ29uY2F0' +
    'KgsKBGF4aXMYAKABAgotCgRpbnQ4CgRpbnQ4EgppbnQ4X3R3aWNlIgZDb25jYXQqCwoEYXhpcxgAoAECCjAKBWludDMyCgVpbnQzMhILaW50' +
    'MzJfdHdpY2UiBkNvbmNhdCoLCgRheGlzGACgAQIKMAoFaW50NjQKBWludDY0EgtpbnQ2NF90d2ljZSIGQ29uY2F0KgsKBGF4aXMYAKABAgow' +
    'CgV1aW50OAoFdWludDgSC3VpbnQ4X3R3aWNlIgZDb25jYXQqCwoEYXhpcxgAoAECCi0KBGJvb2wKBGJvb2wSCmJvb2xfdHdpY2UiBkNvbmNh' +
    'dCoLCgRheGlzGACgAQIKMwoGc3RyaW5nCgZzdHJpbmcSDHN0cmluZ190d2ljZSIGQ29uY2F0KgsKBGF4aXMYAKABAhIFdHdpY2VaEwoHZmxv' +
    'YXQzMhIICgYIARICCgBaEwoHZmxvYXQ2NBIICgYICxICCgBaEwoHZmxvYXQxNhIICgYIChICCgBaEAoEaW50OBIICgYIAxICCgBaEQoFaW50' +
    'MzISCAoGCAYSAgoAWhEKBWludDY0EggKBggHEgIKAFoRCgV1aW50OBIICgYIAhICCgBaEAoEYm9vbBIICgYICRICCgBaEgoGc3RyaW5nEggK' +
    'BggIEgIKAGIZCg1mbG9hdDMyX3R3aWNlEggKBggBEgIKAGIZCg1mbG9hdDY0X3R3aWNlEggKBggLEgIKAGIZCg1mbG9hdDE2X3R3aWNlEggK' +
    'BggKEgIKAGIWCgppbnQ4X3R3aWNlEggKBggDEgIKAGIXCgtpbnQzMl90d2ljZRIICgYIBhICCgBiFwoLaW50NjRfdHdpY2USCAoGCAcSAgoA' +
    'YhcKC3VpbnQ4X3R3aWNlEggKBggCEgIKAGIWCgpib29sX3R3aWNlEggKBggJEgIKAGIYCgxzdHJpbmdfdHdpY2USCAoGCAgSAgoAQgQKABAR',
)

/** TopK(score[B,N], N div 2) on axis 1, k from Shape and Div: `index` int64[B,K], and `kept` = GatherND(x[B,N,D], index). */
export const topHalfModel: Uint8Array = decode(
  'CAgSADrNAgorCgVzY29yZRIBbiIFU2hhcGUqCgoDZW5kGAKgAQIqDAoFc3RhcnQYAaABAgoQCgFuCgN0d28SAWsiA0RpdgorCgVzY29yZQoB' +
    'axIFdmFsdWUSBWluZGV4IgRUb3BLKgsKBGF4aXMYAaABAgocCgVpbmRleAoEYXhpcxICYXQiCVVuc3F1ZWV6ZQoqCgF4CgJhdBIEa2VwdCII' +
    'R2F0aGVyTkQqEQoKYmF0Y2hfZGltcxgBoAECEgd0b3BIYWxmKgwIARAHOgECQgN0d28qDQgBEAc6AQJCBGF4aXNaGQoFc2NvcmUSEAoOCAES' +
    'CgoDEgFCCgMSAU5aGgoBeBIVChMIARIPCgMSAUIKAxIBTgoDEgFEYhkKBWluZGV4EhAKDggHEgoKAxIBQgoDEgFLYh0KBGtlcHQSFQoTCAES' +
    'DwoDEgFCCgMSAUsKAxIBREIECgAQEQ==',
)

/** y[P,Q] = Reshape(x[N], shape[2]): fails where the shape holds another number of elements. */
export const reshapeModel: Uint8Array = decode(
  'CAgSADpfChYKAXgKBXNoYXBlEgF5IgdSZXNoYXBlEgdyZXNoYXBlWhAKAXgSCwoJCAESBQoDEgFOWhMKBXNoYXBlEgoKCAgHEgQKAggCYhUK' +
    'AXkSEAoOCAESCgoDEgFQCgMSAVFCBAoAEBE=',
)

/** y = Loop(k, x): a ← 2 · a + ReduceSum(x), which the body reads from outside; k int64 [], x float32[B,N]. By `emitModel`. */
export const loopModel: Uint8Array = decode(
  'CAgSCEB0cC9vbm54OvAFClcKAXgKDWxvb3AvY29uc3RhbnQSF2xvb3AvUmVkdWNlU3VtX291dHB1dF8wGg5sb29wL1JlZHVjZVN1bSIJUmVkdWNlU3Vt' +
    'Kg8KCGtlZXBkaW1zGAGgAQIKkQQKAWsKAAoBeBIBeRoJbG9vcC9Mb29wIgRMb29wKvIDCgRib2R5MuYDCmIKEWxvb3AvTG9vcC9zdGF0ZV8wChdsb29w' +
    'L0xvb3AvYm9keS9jb25zdGFudBIbbG9vcC9Mb29wL2JvZHkvTXVsX291dHB1dF8wGhJsb29wL0xvb3AvYm9keS9NdWwiA011bApsChtsb29wL0xvb3Av' +
    'Ym9keS9NdWxfb3V0cHV0XzAKF2xvb3AvUmVkdWNlU3VtX291dHB1dF8wEhtsb29wL0xvb3AvYm9keS9BZGRfb3V0cHV0XzAaEmxvb3AvTG9vcC9ib2R5' +
    'L0FkZCIDQWRkCjEKE2xvb3AvTG9vcC9jb25kaXRpb24SEGxvb3AvTG9vcC9uZXh0XzAiCElkZW50aXR5CjkKG2xvb3AvTG9vcC9ib2R5L0FkZF9vdXRw' +
    'dXRfMBIQbG9vcC9Mb29wL25leHRfMSIISWRlbnRpdHkSDmxvb3AvTG9vcC9ib2R5WhgKDmxvb3AvTG9vcC9zdGVwEgYKBAgHEgBaHQoTbG9vcC9Mb29w' +
    'L2NvbmRpdGlvbhIGCgQICRIAWh8KEWxvb3AvTG9vcC9zdGF0ZV8wEgoKCAgBEgQKAAoAYhoKEGxvb3AvTG9vcC9uZXh0XzASBgoECAkSAGIeChBsb29w' +
    'L0xvb3AvbmV4dF8xEgoKCAgBEgQKAAoAoAEFEgRsb29wKh0IARAHQg1sb29wL2NvbnN0YW50SggBAAAAAAAAACohEAFCF2xvb3AvTG9vcC9ib2R5L2Nv' +
    'bnN0YW50SgQAAABAWhUKAXgSEAoOCAESCgoDEgFCCgMSAU5aCwoBaxIGCgQIBxIAYhUKAXkSEAoOCAESCgoDEgFCCgMSAU5CBAoAEBE=',
)

/** y = x · x · … · x, 24 MatMuls on float32[N,N]. */
export const slowModel: Uint8Array = decode(
  'CAgSADrGBAoSCgF4CgF4EgJ5MSIGTWF0TXVsChMKAnkxCgF4EgJ5MiIGTWF0TXVsChMKAnkyCgF4EgJ5MyIGTWF0TXVsChMKAnkzCgF4EgJ5' +
    'NCIGTWF0TXVsChMKAnk0CgF4EgJ5NSIGTWF0TXVsChMKAnk1CgF4EgJ5NiIGTWF0TXVsChMKAnk2CgF4EgJ5NyIGTWF0TXVsChMKAnk3CgF4' +
    'EgJ5OCIGTWF0TXVsChMKAnk4CgF4EgJ5OSIGTWF0TXVsChQKAnk5CgF4EgN5MTAiBk1hdE11bAoVCgN5MTAKAXgSA3kxMSIGTWF0TXVsChUK' +
    'A3kxMQoBeBIDeTEyIgZNYXRNdWwKFQoDeTEyCgF4EgN5MTMiBk1hdE11bAoVCgN5MTMKAXgSA3kxNCIGTWF0TXVsChUKA3kxNAoBeBIDeTE1' +
    'IgZNYXRNdWwKFQoDeTE1CgF4EgN5MTYiBk1hdE11bAoVCgN5MTYKAXgSA3kxNyIGTWF0TXVsChUKA3kxNwoBeBIDeTE4IgZNYXRNdWwKFQoD' +
    'eTE4CgF4EgN5MTkiBk1hdE11bAoVCgN5MTkKAXgSA3kyMCIGTWF0TXVsChUKA3kyMAoBeBIDeTIxIgZNYXRNdWwKFQoDeTIxCgF4EgN5MjIi' +
    'Bk1hdE11bAoVCgN5MjIKAXgSA3kyMyIGTWF0TXVsChMKA3kyMwoBeBIBeSIGTWF0TXVsEgRzbG93WhUKAXgSEAoOCAESCgoDEgFOCgMSAU5i' +
    'FQoBeRIQCg4IARIKCgMSAU4KAxIBTkIECgAQEQ==',
)

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

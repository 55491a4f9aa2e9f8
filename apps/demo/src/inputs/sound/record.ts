/**
 * Records from the microphone until it is stopped, or so many seconds after it was allowed.
 * @throws DOMException where there is none, or it is not allowed
 */
export async function record(stop: AbortSignal, seconds: number): Promise<Blob> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
  const recorder = new MediaRecorder(stream)
  const end = AbortSignal.any([stop, AbortSignal.timeout(1000 * seconds)])
  const parts: Blob[] = []
  recorder.ondataavailable = ({ data }) => parts.push(data)
  const stopped = new Promise<void>((resolve) => {
    recorder.onstop = () => resolve()
  })
  recorder.start()
  if (end.aborted) recorder.stop()
  else end.addEventListener('abort', () => recorder.stop(), { once: true })
  await stopped
  for (const track of stream.getTracks()) track.stop()
  return new Blob(parts, { type: recorder.mimeType })
}

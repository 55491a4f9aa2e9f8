/** Records from the microphone until the signal ends it. @throws DOMException where there is none, or it is not allowed */
export async function record(end: AbortSignal): Promise<Blob> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
  const recorder = new MediaRecorder(stream)
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

/** Plans drawings: at most one per animation frame, and never more than a quarter of the time. */

export interface DrawingPorts {
  nextFrame(call: () => void): void;
  after(ms: number, call: () => void): void;
  nowMs(): number;
}

/** For each millisecond of drawing, leave this many to the reader. */
const REST_FACTOR = 3;

/** A drawing this short never has to wait: the frame rate bounds it already. */
const SHORT_MS = 5;

export function pacedDrawing(ports: DrawingPorts): (draw: () => void) => void {
  let notBefore = 0;
  return (draw) => {
    const timed = () => {
      const start = ports.nowMs();
      draw();
      const end = ports.nowMs();
      notBefore = end - start > SHORT_MS ? end + REST_FACTOR * (end - start) : 0;
    };
    const wait = notBefore - ports.nowMs();
    if (wait > 0) ports.after(wait, () => ports.nextFrame(timed));
    else ports.nextFrame(timed);
  };
}

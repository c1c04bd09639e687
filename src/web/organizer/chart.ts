/** A chart of bars as SVG, drawn by the server. Its colours are those of the stylesheet, and its words stand beside it as HTML. */

/** Units of the drawing, which is stretched to its place: of one bar with the space after it, of a bar, and of the height. */
const STEP = 10;
const BAR = 8;
const HEIGHT = 100;
/** A bar that is not zero can be seen. */
const LEAST = 1.5;

/** Steps of the scale: the next round number that is not below the largest value. */
const ROUND = [1, 2, 5];

/** The end of the scale for a largest value: 1, 2, 5, 10, 20, 50 and so on. */
export function scaleFor(largest: number): number {
  for (let power = 1; ; power *= 10)
    for (const round of ROUND) if (round * power >= largest) return round * power;
}

export type Bar = { x: number; y: number; width: number; height: number; title: string };

/** The bars for some values, with what each of them says, and where the lines of the scale are. */
export function barsFor(values: { value: number; title: string }[]) {
  const top = scaleFor(Math.max(1, ...values.map(({ value }) => value)));
  const bars = values.map(({ value, title }, n): Bar => {
    const height = value === 0 ? 0 : Math.max(LEAST, (value / top) * HEIGHT);
    return {
      x: n * STEP + (STEP - BAR) / 2,
      y: round(HEIGHT - height),
      width: BAR,
      height: round(height),
      title,
    };
  });
  return { bars, top, width: values.length * STEP, height: HEIGHT };
}

const round = (value: number) => Math.round(value * 100) / 100;

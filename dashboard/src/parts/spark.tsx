// A small line beside a figure: how it came to be what it is. The figure says the same in words, so this is for eyes only.

const WIDTH = 110;
const HEIGHT = 22;

interface Marked {
  readonly value: number | null;
  readonly marked?: boolean;
}

/** Beginning at zero, unless `most` is nothing. Marked points are dots. */
export function Spark({ points, most }: { points: readonly Marked[]; most?: number }) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length < 2) return <svg class="spark" width={WIDTH} height={HEIGHT} aria-hidden="true" />;
  const highest = most ?? Math.max(...values, Number.MIN_VALUE);
  const x = (place: number) => 2 + (place / (points.length - 1)) * (WIDTH - 4);
  const y = (value: number) => HEIGHT - 3 - (Math.max(0, Math.min(value, highest)) / highest) * (HEIGHT - 6);
  let pen = "M";
  const path = points.map(({ value }, place) => {
    if (value === null) {
      pen = "M";
      return "";
    }
    const step = `${pen}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    return step;
  });
  return (
    <svg class="spark" width={WIDTH} height={HEIGHT} aria-hidden="true">
      <path d={path.join("")} />
      {points.map(({ value, marked }, place) => (marked && value !== null ? <circle key={place} cx={x(place)} cy={y(value)} r="2.5" /> : null))}
    </svg>
  );
}

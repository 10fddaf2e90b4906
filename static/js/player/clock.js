// A moment in a clip as players show it: "0:06", "1:02:03".

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [whole / 60 / 60, (whole / 60) % 60, whole % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

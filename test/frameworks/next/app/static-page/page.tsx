export default function Page() {
  return <p>the same for everybody</p>;
}

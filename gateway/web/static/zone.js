// A visitor who has not chosen a time zone sees the times of the own one.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const here = new URL(location.href);
const offered = document.getElementById("tz");
if (zone && !here.searchParams.has("tz") && [...offered.options].some((option) => option.value === zone)) {
  here.searchParams.set("tz", zone);
  if (offered.value !== zone) location.replace(here);
}

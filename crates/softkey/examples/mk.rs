fn main() {
    let c = ycd_softkey::admin::create(std::env::args().nth(1).unwrap(), &Default::default()).unwrap();
    println!("{} {}", c.serial_number, c.slot);
}
